/**
 * Strict JSON: one document, no duplicate names, within limits; values, fields with their path, and
 * text.
 */
@NullMarked
package dev.monoquant.files.json;

import org.jspecify.annotations.NullMarked;
