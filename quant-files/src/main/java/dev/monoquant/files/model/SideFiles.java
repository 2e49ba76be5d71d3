package dev.monoquant.files.model;

import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.output.Leftovers;
import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds what lies beside the tensor files of a model: every regular file, also in folders below.
 *
 * <p>Left out, each with a warning but the first: hidden folders ({@code .git}, {@code .cache}) and
 * the temporary names and the manifest of this project; the same weights for another framework
 * ({@code pytorch_model.bin}, {@code tf_model.h5} and so on), which would outweigh a quantized
 * model; links to folders, and links out of the directory, except those of a Hugging Face cache
 * from {@code snapshots/REVISION} into {@code blobs}.
 */
public final class SideFiles {

  private static final Logger LOG = LoggerFactory.getLogger(SideFiles.class);
  private static final int MAX_FILES = 100_000;
  private static final int MAX_DEPTH = 32;

  private static final Pattern OTHER_WEIGHTS =
      Pattern.compile(
          "pytorch_model.*\\.bin(\\.index\\.json)?"
              + "|tf_model.*\\.h5(\\.index\\.json)?"
              + "|flax_model.*\\.msgpack(\\.index\\.json)?"
              + "|rust_model\\.ot|consolidated.*\\.(pth|safetensors)|.*\\.gguf|.*\\.ckpt");

  private SideFiles() {}

  /**
   * Finds them.
   *
   * @param root the directory of the model
   * @param own the index and the tensor files
   * @return the others, sorted by name
   * @throws IOException if the directory cannot be listed
   */
  public static List<SideFile> find(Path root, Set<Path> own) throws IOException {
    List<SideFile> found = new ArrayList<>();
    Files.walkFileTree(
        root,
        Set.<FileVisitOption>of(),
        MAX_DEPTH,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
            String name = dir.equals(root) ? "" : dir.getFileName().toString();
            return name.startsWith(".") ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            if (!own.contains(file) && isCarried(root, file)) {
              if (found.size() == MAX_FILES) {
                throw new IOException(
                    root
                        + ": more than "
                        + MAX_FILES
                        + " files; is this the directory of a model?");
              }
              found.add(new SideFile(slashes(root.relativize(file)), file));
            }
            return FileVisitResult.CONTINUE;
          }
        });
    found.sort(Comparator.comparing(SideFile::name, JsonText.BY_CODE_POINT));
    return found;
  }

  private static boolean isCarried(Path root, Path file) throws IOException {
    String name = file.getFileName().toString();
    if (Leftovers.isTemporary(name) || file.equals(root.resolve(Manifest.FILE))) {
      return false;
    }
    if (OTHER_WEIGHTS.matcher(name).matches()) {
      LOG.warn("{}: holds the weights for another program; not carried over", file);
      return false;
    }
    if (!Files.isRegularFile(file)) {
      LOG.warn("{}: is no regular file or a link to one; not carried over", file);
      return false;
    }
    if (Files.isSymbolicLink(file) && !staysInside(root, file.toRealPath())) {
      LOG.warn("{}: is a link that leaves the directory; not carried over", file);
      return false;
    }
    return true;
  }

  private static boolean staysInside(Path root, Path real) throws IOException {
    Path realRoot = root.toRealPath();
    Path parent = realRoot.getParent();
    return real.startsWith(realRoot)
        || (parent != null
            && parent.endsWith("snapshots")
            && real.startsWith(parent.resolveSibling("blobs")));
  }

  private static String slashes(Path relative) {
    StringBuilder name = new StringBuilder();
    relative.forEach(part -> name.append(name.isEmpty() ? "" : "/").append(part));
    return name.toString();
  }
}
