/**
 * The output transaction: staging under a temporary name, a lock on the target, a journal for
 * resuming, and the rename that makes the output visible.
 */
@NullMarked
package dev.monoquant.files.output;

import org.jspecify.annotations.NullMarked;
