/** Files of web servers. */
@NullMarked
package dev.monoquant.io.remote;

import org.jspecify.annotations.NullMarked;
