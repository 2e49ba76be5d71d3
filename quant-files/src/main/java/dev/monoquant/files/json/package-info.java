/**
 * Strict JSON: one document, without duplicate keys, within limits; values, checked fields, and
 * output as text.
 */
@NullMarked
package dev.monoquant.files.json;

import org.jspecify.annotations.NullMarked;
