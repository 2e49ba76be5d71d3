/** Quantizes models in a Maven build. PyTorch is loaded only in child processes. */
@NullMarked
package dev.monoquant.maven;

import org.jspecify.annotations.NullMarked;
