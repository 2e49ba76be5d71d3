/** Events for JDK Flight Recorder. */
@NullMarked
package dev.monoquant.core.event;

import org.jspecify.annotations.NullMarked;
