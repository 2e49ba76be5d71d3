/**
 * What runs, plans, inspections, comparisons and verifications found: values that render
 * themselves.
 */
@NullMarked
package dev.monoquant.core.report;

import org.jspecify.annotations.NullMarked;
