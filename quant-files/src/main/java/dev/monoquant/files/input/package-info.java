/** Input files, mapped, with what they turn out to be where they are not what was expected. */
@NullMarked
package dev.monoquant.files.input;

import org.jspecify.annotations.NullMarked;
