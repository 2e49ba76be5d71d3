/** Which norms and layers of models can take factors of the inputs of other layers. */
@NullMarked
package dev.monoquant.io.scaling;

import org.jspecify.annotations.NullMarked;
