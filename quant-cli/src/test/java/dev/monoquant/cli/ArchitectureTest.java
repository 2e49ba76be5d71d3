package dev.monoquant.cli;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.InstanceofCheck;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import dev.monoquant.Nearest;
import dev.monoquant.Problem;
import dev.monoquant.spi.ModelSource;
import java.io.ObjectInputStream;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Holds the house to its plan: who may see whom, and what no one may do.
 *
 * <p>It lives here because the application is the one module that sees all the others. The arrows
 * are checked a second time by the module descriptors and by the build; here the message names the
 * line of code.
 */
@AnalyzeClasses(packages = "dev.monoquant", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String[] API = {
    "dev.monoquant",
    "dev.monoquant.layout..",
    "dev.monoquant.model..",
    "dev.monoquant.tile..",
    "dev.monoquant.spi.."
  };
  private static final String CORE = "dev.monoquant.core..";
  private static final String FILES = "dev.monoquant.files..";
  private static final String SCRIPT = "dev.monoquant.script..";
  private static final String IO = "dev.monoquant.io..";
  private static final String SCHEMES = "dev.monoquant.schemes..";
  private static final String TESTKIT = "dev.monoquant.testkit..";
  private static final String CLI = "dev.monoquant.cli..";

  @ArchTest
  static final ArchRule apiSeesNoOne =
      mayNotSee(CORE, FILES, SCRIPT, IO, SCHEMES, TESTKIT, CLI).from(API);

  @ArchTest
  static final ArchRule coreSeesFiles = mayNotSee(SCRIPT, IO, SCHEMES, TESTKIT, CLI).from(CORE);

  @ArchTest
  static final ArchRule filesSeeTheApi =
      mayNotSee(CORE, SCRIPT, IO, SCHEMES, TESTKIT, CLI).from(FILES);

  @ArchTest
  static final ArchRule scriptSeesFiles = mayNotSee(CORE, IO, SCHEMES, TESTKIT, CLI).from(SCRIPT);

  @ArchTest
  static final ArchRule ioSeesFilesAndScript = mayNotSee(CORE, SCHEMES, TESTKIT, CLI).from(IO);

  @ArchTest
  static final ArchRule schemesSeeTheApi =
      mayNotSee(CORE, FILES, SCRIPT, IO, TESTKIT, CLI).from(SCHEMES);

  @ArchTest
  static final ArchRule testkitSeesTheApi =
      mayNotSee(CORE, FILES, SCRIPT, IO, SCHEMES, CLI).from(TESTKIT);

  @ArchTest static final ArchRule cliShipsNoTestkit = mayNotSee(TESTKIT).from(CLI);

  @ArchTest
  static final ArchRule packagesHaveNoCycles =
      slices().assignedFrom(new EachPackage()).should().beFreeOfCycles();

  @ArchTest
  static final ArchRule classesHaveNoCycles =
      slices().assignedFrom(new EachClass()).should().beFreeOfCycles();

  @ArchTest
  static final ArchRule librariesSpeakDjlAndNoEngine =
      noClasses()
          .that()
          .resideOutsideOfPackage(CLI)
          .should()
          .dependOnClassesThat()
          .resideInAPackage("ai.djl.pytorch..")
          .because("the engine is the choice of whoever runs the library");

  @ArchTest
  static final ArchRule onlyTheApplicationPrints =
      noClasses().that().resideOutsideOfPackage(CLI).should(ACCESS_STANDARD_STREAMS);

  // ArchUnit's own rule of this kind looks at fields only.
  @ArchTest
  static final ArchRule logsThroughSlf4j =
      noClasses().should().dependOnClassesThat().resideInAPackage("java.util.logging..");

  @ArchTest
  static final ArchRule readersLoadNoClasses =
      noClasses()
          .that()
          .resideInAnyPackage(FILES, SCRIPT, IO)
          .should()
          .callMethodWhere(describe("load a class by name", ArchitectureTest::loadsClass))
          .orShould()
          .dependOnClassesThat()
          .areAssignableTo(ObjectInputStream.class)
          .because("a model file is untrusted input");

  @ArchTest
  static final ArchRule layersAndSchemesAreComposed =
      noClasses()
          .should()
          .haveNameMatching(".*Linear.*Int8.*")
          .because("a layer quantizer and a scheme meet in the plan, never in a class");

  @ArchTest
  static final ArchRule sourcesAreAsked =
      noClasses()
          .should(
              new ArchCondition<JavaClass>("test the type of a source") {
                @Override
                public void check(JavaClass type, ConditionEvents events) {
                  for (InstanceofCheck test : type.getInstanceofChecks()) {
                    boolean ofSource = test.getRawType().isAssignableTo(ModelSource.class);
                    events.add(new SimpleConditionEvent(type, ofSource, test.toString()));
                  }
                }
              })
          .because("a source may stand in front of another one: ask it, ModelSource.find");

  private interface From {
    ArchRule from(String... packages);
  }

  private static From mayNotSee(String... others) {
    return packages ->
        noClasses()
            .that()
            .resideInAnyPackage(packages)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(others);
  }

  private static boolean loadsClass(JavaMethodCall call) {
    return switch (call.getName()) {
      case "forName" -> call.getTargetOwner().isEquivalentTo(Class.class);
      case "loadClass", "defineClass" -> call.getTargetOwner().isAssignableTo(ClassLoader.class);
      default -> false;
    };
  }

  /**
   * Every package is a slice of its own, whatever its depth, but for {@code dev.monoquant}, which
   * is two: the failures with what their messages are made of, which all the others use and which
   * see none of them, and the configuration, which sees the others' values.
   */
  private static final class EachPackage implements SliceAssignment {
    @Override
    public SliceIdentifier getIdentifierOf(JavaClass type) {
      return type.getPackageName().equals("dev.monoquant") && isFailure(outermost(type))
          ? SliceIdentifier.of("dev.monoquant", "failures")
          : SliceIdentifier.of(type.getPackageName(), "all");
    }

    private static boolean isFailure(JavaClass type) {
      return type.isAssignableTo(Throwable.class)
          || type.isEquivalentTo(Problem.class)
          || type.isEquivalentTo(Nearest.class);
    }

    @Override
    public String getDescription() {
      return "the packages of dev.monoquant";
    }
  }

  /**
   * Every class, with what is nested in it, is a slice of its own. A sealed type is one with the
   * types that it permits, and so are the {@link #TOGETHER few} that depend on each other by
   * nature.
   */
  private static final class EachClass implements SliceAssignment {

    private static final Map<String, Set<String>> TOGETHER =
        Map.of(
            "an interface and what its static method makes: a model in one file",
            Set.of("spi.ModelSource", "spi.TensorFile"),
            "an interface and what its static method makes: the decoder of a formula",
            Set.of("spi.TileDecoder", "spi.FormulaDecoder"),
            "functions call functions: to rewrite the body of one, that of another is rewritten",
            Set.of("script.Pass", "script.Body", "script.Evaluation"));

    @Override
    public SliceIdentifier getIdentifierOf(JavaClass type) {
      JavaClass own = sealed(outermost(type));
      return TOGETHER.entrySet().stream()
          .filter(
              e ->
                  e.getValue().stream()
                      .map("dev.monoquant."::concat)
                      .anyMatch(own.getName()::equals))
          .findFirst()
          .map(e -> SliceIdentifier.of(e.getKey()))
          .orElse(SliceIdentifier.of(own.getName()));
    }

    private static JavaClass sealed(JavaClass type) {
      return Stream.concat(type.getRawInterfaces().stream(), type.getRawSuperclass().stream())
          .filter(parent -> parent.reflect().isSealed())
          .findFirst()
          .map(ArchitectureTest::outermost)
          .orElse(type);
    }

    @Override
    public String getDescription() {
      return "the classes of dev.monoquant";
    }
  }

  private static JavaClass outermost(JavaClass type) {
    return type.getEnclosingClass().map(ArchitectureTest::outermost).orElse(type);
  }
}
