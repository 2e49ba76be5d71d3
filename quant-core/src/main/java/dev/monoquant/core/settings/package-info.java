/** How a quantizer works, and the limits that an output must keep. */
@NullMarked
package dev.monoquant.core.settings;

import org.jspecify.annotations.NullMarked;
