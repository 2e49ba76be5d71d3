/** Worker threads and their buffers. */
@NullMarked
package dev.monoquant.core.work;

import org.jspecify.annotations.NullMarked;
