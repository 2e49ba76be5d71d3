/** Mapped input files, and the detection of files that are not models this project reads. */
@NullMarked
package dev.monoquant.files.input;

import org.jspecify.annotations.NullMarked;
