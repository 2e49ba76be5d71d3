/**
 * What the formats of this module share: strict JSON, mapped files, the safetensors container,
 * model directories, bit packing, and the way an output becomes visible. Not exported.
 */
@NullMarked
package dev.monoquant.io.files;

import org.jspecify.annotations.NullMarked;
