/** Wrappers that watch plugins in real runs. */
@NullMarked
package dev.monoquant.testkit.watch;

import org.jspecify.annotations.NullMarked;
