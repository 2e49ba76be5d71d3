/** TorchScript archives: weights with their modules. */
@NullMarked
package dev.monoquant.io.torchscript;

import org.jspecify.annotations.NullMarked;
