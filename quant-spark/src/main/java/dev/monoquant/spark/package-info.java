/** Quantizes one model on the executors of Apache Spark, one task for each unit of a plan. */
@NullMarked
package dev.monoquant.spark;

import org.jspecify.annotations.NullMarked;
