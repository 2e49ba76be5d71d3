/** Archives of {@code torch.export}. */
@NullMarked
package dev.monoquant.io.exported;

import org.jspecify.annotations.NullMarked;
