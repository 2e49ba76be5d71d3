/** The safetensors container: header, layout, and the index of shards. */
@NullMarked
package dev.monoquant.files.safetensors;

import org.jspecify.annotations.NullMarked;
