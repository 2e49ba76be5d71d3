/** Mapped input files, and the kind of a file that is not a model this project reads. */
@NullMarked
package dev.monoquant.files.input;

import org.jspecify.annotations.NullMarked;
