/** Report files for people and for CI servers: HTML, JUnit XML, Markdown and JSON. */
@NullMarked
package dev.monoquant.core.render;

import org.jspecify.annotations.NullMarked;
