/** What names that users give stand for. */
@NullMarked
package dev.monoquant.core.names;

import org.jspecify.annotations.NullMarked;
