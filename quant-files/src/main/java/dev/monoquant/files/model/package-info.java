/** Model directories: shards and their index, side files, the model source, and the audit. */
@NullMarked
package dev.monoquant.files.model;

import org.jspecify.annotations.NullMarked;
