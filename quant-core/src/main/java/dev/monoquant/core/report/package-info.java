/**
 * Results of plans, runs, inspections, comparisons and verifications: values that render themselves
 * as text and JSON.
 */
@NullMarked
package dev.monoquant.core.report;

import org.jspecify.annotations.NullMarked;
