/** What a model is made of, as values: element types, tensors, layers, and weights seen as rows. */
@NullMarked
package dev.monoquant.model;

import org.jspecify.annotations.NullMarked;
