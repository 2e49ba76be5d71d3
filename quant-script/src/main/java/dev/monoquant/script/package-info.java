/**
 * Programs of TorchScript: their source is parsed, weights in it are replaced by holders that
 * execute integer kernels. Nothing here knows about files.
 */
@NullMarked
package dev.monoquant.script;

import org.jspecify.annotations.NullMarked;
