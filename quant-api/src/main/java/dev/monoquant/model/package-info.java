/** The parts of a model as values: element types, tensors, layers and weight matrices. */
@NullMarked
package dev.monoquant.model;

import org.jspecify.annotations.NullMarked;
