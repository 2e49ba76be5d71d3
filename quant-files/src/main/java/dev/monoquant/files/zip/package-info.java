/**
 * A strict reader of zip archives as PyTorch writes them: mapped, 64-bit, by the central directory.
 */
@NullMarked
package dev.monoquant.files.zip;

import org.jspecify.annotations.NullMarked;
