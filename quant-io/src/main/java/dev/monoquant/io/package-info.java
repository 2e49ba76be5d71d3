/**
 * Reads and writes model files.
 *
 * <p>A package per format. Every reader streams, counts in 64 bits and checks bounds: a model file
 * is untrusted input.
 */
@NullMarked
package dev.monoquant.io;

import org.jspecify.annotations.NullMarked;
