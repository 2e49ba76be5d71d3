package dev.monoquant.schemes;

import dev.monoquant.testkit.contracts.SchemeContract;

/** What holds for schemes with floating point codes. */
interface FloatContract extends SchemeContract {

  /** There are no integer codes to judge; the reference rounds every tie. */
  @Override
  default boolean roundsToEven() {
    return false;
  }
}
