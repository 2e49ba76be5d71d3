/** The settings of a quantizer, and the limits that an output must meet. */
@NullMarked
package dev.monoquant.core.settings;

import org.jspecify.annotations.NullMarked;
