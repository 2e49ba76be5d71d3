/** Remote files as paths, with what is read kept in a bounded folder of this machine. */
@NullMarked
package dev.monoquant.files.remote;

import org.jspecify.annotations.NullMarked;
