package dev.monoquant.files.model;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.output.Leftovers;
import dev.monoquant.spi.BesideFile;
import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The files beside the tensor files of a model: every regular file, including those in subfolders.
 *
 * <p>Left out: hidden folders ({@code .git}, {@code .cache}) and the temporary names and the
 * manifest of this project; and, with a note of how many there are and how large, the same weights
 * for another framework ({@code pytorch_model.bin}, {@code tf_model.h5} and so on), which would
 * outweigh a quantized model; links to folders, and links out of the directory, except those of a
 * Hugging Face cache from {@code snapshots/REVISION} into {@code blobs}.
 *
 * @param files the files, sorted by name
 * @param leftOut the files left out, each with its reason
 * @param notes the same as sentences, one for each reason
 */
public record SideFiles(List<SideFile> files, List<BesideFile> leftOut, List<String> notes) {

  /** No side files, for a single file whose directory is not the input. */
  public static final SideFiles NONE = new SideFiles(List.of(), List.of(), List.of());

  private static final int MAX_FILES = 100_000;
  private static final int MAX_DEPTH = 32;
  private static final int NAMES_SHOWN = 3;

  private static final String OTHER_PROGRAM = "weights for another program";
  private static final String NO_FILE = "no regular file and no link to one";
  private static final String LEAVES = "a link that leaves the directory";

  private static final String UNWANTED = "asked for with side-files=none";

  private static final Set<String> OTHER_FOLDERS = Set.of("onnx", "openvino", "coreml", "tflite");

  private static final Pattern CHECKPOINT =
      Pattern.compile(".*\\.(bin|pt|pth|ckpt)(\\.index\\.json)?");

  private static final Pattern OTHER_WEIGHTS =
      Pattern.compile(
          "tf_model.*\\.h5(\\.index\\.json)?"
              + "|flax_model.*\\.msgpack(\\.index\\.json)?"
              + "|rust_model\\.ot|consolidated.*\\.(pth|safetensors)|.*\\.(gguf|ckpt|onnx|tflite|h5|msgpack)"
              + "|.*\\.onnx[._]data|openvino_.*\\.(bin|xml)|saved_model\\.pb");

  /** Copies the lists. */
  public SideFiles {
    files = List.copyOf(files);
    leftOut = List.copyOf(leftOut);
    notes = List.copyOf(notes);
  }

  /**
   * Finds the side files.
   *
   * @param root the directory of the model
   * @param own the index and the tensor files
   * @param which which files to copy, see {@link DirectoryChoices}
   * @return the side files
   * @throws IOException if the directory cannot be listed
   * @throws ModelFormatException if a file name cannot be reproduced exactly
   */
  public static SideFiles find(Path root, Set<Path> own, String which) throws IOException {
    List<SideFile> found = new ArrayList<>();
    Map<String, List<SideFile>> left = new TreeMap<>();
    // Links within are not followed, but the directory itself may be one.
    Path start = Files.isSymbolicLink(root) ? root.resolve(".") : root;
    Files.walkFileTree(
        start,
        Set.<FileVisitOption>of(),
        MAX_DEPTH,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
            String name = dir.equals(start) ? "" : dir.getFileName().toString();
            return name.startsWith(".") ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path visited, BasicFileAttributes attributes)
              throws IOException {
            Path file = root.resolve(start.relativize(visited));
            if (own.contains(file) || isOurs(root, file)) {
              return FileVisitResult.CONTINUE;
            }
            SideFile side = new SideFile(name(root, file), file);
            Optional<String> reason = reasonToLeave(root, file, which);
            if (reason.isPresent()) {
              left.computeIfAbsent(reason.get(), r -> new ArrayList<>()).add(side);
              return FileVisitResult.CONTINUE;
            }
            if (found.size() == MAX_FILES) {
              throw new IOException(
                  root + ": more than " + MAX_FILES + " files; is this the directory of a model?");
            }
            found.add(side);
            return FileVisitResult.CONTINUE;
          }
        });
    found.sort(Comparator.comparing(SideFile::name, JsonText.BY_CODE_POINT));
    List<String> notes = new ArrayList<>();
    List<BesideFile> leftOut = new ArrayList<>();
    left.forEach(
        (why, files) -> {
          notes.add("left out: " + described(files) + ": " + why);
          files.forEach(file -> leftOut.add(BesideFile.leftOut(file, why)));
        });
    leftOut.sort(Comparator.comparing(BesideFile::name, JsonText.BY_CODE_POINT));
    return new SideFiles(found, leftOut, notes);
  }

  /** Whether a file holds the same weights for another program, or is a copy for this one. */
  private static boolean isOfOthers(Path root, Path file) {
    String name = file.getFileName().toString();
    Path relative = root.relativize(file);
    boolean folder =
        relative.getNameCount() > 1 && OTHER_FOLDERS.contains(relative.getName(0).toString());
    if (folder || OTHER_WEIGHTS.matcher(name).matches()) {
      return true;
    }
    Path parent = file.toAbsolutePath().getParent();
    if (CHECKPOINT.matcher(name).matches()) {
      boolean own = relative.getNameCount() > 1 || !name.startsWith("pytorch_model");
      return !own || (parent != null && holdsSafetensors(parent));
    }
    // A variant: model.fp16.safetensors beside model.safetensors or its shards.
    boolean copy = relative.getNameCount() == 1 && name.endsWith(".safetensors");
    return copy || (name.endsWith(".safetensors.index.json") && relative.getNameCount() == 1);
  }

  private static boolean holdsSafetensors(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.anyMatch(f -> f.toString().endsWith(".safetensors"));
    } catch (IOException unreadable) {
      return false;
    }
  }

  private static boolean isOurs(Path root, Path file) {
    return Leftovers.isTemporary(file.getFileName().toString())
        || file.equals(root.resolve(Manifest.FILE));
  }

  private static Optional<String> reasonToLeave(Path root, Path file, String which)
      throws IOException {
    if (which.equals(DirectoryChoices.NONE) && !file.equals(root.resolve("config.json"))) {
      return Optional.of(UNWANTED);
    }
    if (which.equals(DirectoryChoices.MODEL) && isOfOthers(root, file)) {
      return Optional.of(OTHER_PROGRAM);
    }
    if (!Files.isRegularFile(file)) {
      return Optional.of(NO_FILE);
    }
    return Files.isSymbolicLink(file) && !staysInside(root, file.toRealPath())
        ? Optional.of(LEAVES)
        : Optional.empty();
  }

  private static boolean staysInside(Path root, Path real) throws IOException {
    Path realRoot = root.toRealPath();
    Path parent = realRoot.getParent();
    return real.startsWith(realRoot)
        || (parent != null
            && parent.endsWith("snapshots")
            && real.startsWith(parent.resolveSibling("blobs")));
  }

  /** Refuses names that are not valid text, because the copy would get another name. */
  private static String name(Path root, Path file) {
    Path relative = root.relativize(file);
    StringBuilder name = new StringBuilder();
    relative.forEach(part -> name.append(name.isEmpty() ? "" : "/").append(part));
    try {
      if (root.getFileSystem().getPath(name.toString()).equals(relative)) {
        return name.toString();
      }
    } catch (InvalidPathException undecodable) {
      // Both get the exception below.
    }
    throw new ModelFormatException(
        Reason.UNREADABLE,
        root.toString(),
        "file " + quote(name.toString()),
        "its name is not valid in "
            + System.getProperty("sun.jnu.encoding", "the encoding of file names")
            + ", the encoding of file names here, so it cannot be carried over. Rename or remove it,"
            + " or set LC_ALL to a locale that has its letters, such as C.UTF-8.");
  }

  /**
   * {@return such as {@code 5 files, 91.2 MiB (onnx/model.onnx, a.txt, b.txt and 2 more)}, the
   * largest first}
   *
   * @param files at least one file
   */
  public static String described(List<SideFile> files) {
    Map<SideFile, Long> sizes = new LinkedHashMap<>();
    files.forEach(f -> sizes.put(f, f.bytes()));
    String names =
        files.stream()
            .sorted(
                Comparator.<SideFile>comparingLong(sizes::get)
                    .reversed()
                    .thenComparing(SideFile::name))
            .limit(NAMES_SHOWN)
            .map(SideFile::name)
            .collect(Collectors.joining(", "));
    int more = files.size() - NAMES_SHOWN;
    long bytes = sizes.values().stream().mapToLong(Long::longValue).sum();
    return files.size()
        + (files.size() == 1 ? " file, " : " files, ")
        + amount(bytes)
        + " ("
        + names
        + (more > 0 ? " and " + more + " more)" : ")");
  }

  private static String amount(long bytes) {
    if (bytes < 1 << 10) {
      return bytes + " B";
    }
    double kib = bytes / 1024.0;
    return kib < 1024
        ? String.format(Locale.ROOT, "%.1f KiB", kib)
        : kib < 1 << 20
            ? String.format(Locale.ROOT, "%.1f MiB", kib / 1024)
            : String.format(Locale.ROOT, "%.1f GiB", kib / (1 << 20));
  }
}
