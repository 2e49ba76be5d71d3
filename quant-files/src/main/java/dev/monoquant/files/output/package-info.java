/**
 * The output transaction: staging under a hidden name, a lock on the target, a journal to resume
 * from, and the rename that makes the output visible.
 */
@NullMarked
package dev.monoquant.files.output;

import org.jspecify.annotations.NullMarked;
