/** Weights in the layouts of other projects: GPTQ, AWQ, FP8, NVFP4 of ModelOpt, bitsandbytes. */
@NullMarked
package dev.monoquant.io.foreign;

import org.jspecify.annotations.NullMarked;
