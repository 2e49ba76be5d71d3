/**
 * Parses TorchScript programs and replaces their weights by holders, objects that contain a
 * quantized weight and call integer kernels. This package reads and writes no model files.
 */
@NullMarked
package dev.monoquant.script;

import org.jspecify.annotations.NullMarked;
