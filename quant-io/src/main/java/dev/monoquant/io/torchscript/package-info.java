/** TorchScript archives: weights with the modules they belong to. */
@NullMarked
package dev.monoquant.io.torchscript;

import org.jspecify.annotations.NullMarked;
