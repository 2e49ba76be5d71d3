package dev.monoquant.maven;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** What the goals run is in the child process: nothing of it is loaded into Maven. */
@AnalyzeClasses(packages = "dev.monoquant.maven")
class SeparationTest {

  @ArchTest
  static final ArchRule nothingOfTheLibrariesIsLoaded =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "ai.djl..",
              "dev.monoquant",
              "dev.monoquant.cli..",
              "dev.monoquant.core..",
              "dev.monoquant.files..",
              "dev.monoquant.io..",
              "dev.monoquant.spi..")
          .because("libtorch is loaded by one class loader of a process only");
}
