/** What an output says of itself: hashes of inputs, tensors and side files. */
@NullMarked
package dev.monoquant.files.manifest;

import org.jspecify.annotations.NullMarked;
