/**
 * Model directories: shards and their index, side files, the source that reads them, and their
 * audit.
 */
@NullMarked
package dev.monoquant.files.model;

import org.jspecify.annotations.NullMarked;
