package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.spi.RemoteAccess;
import dev.monoquant.spi.RemoteFile;
import dev.monoquant.spi.RemoteFiles;
import dev.monoquant.spi.RemoteLocation;
import dev.monoquant.spi.RemoteStore;
import dev.monoquant.testkit.laws.Law;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.RemoteStoreLaws;
import dev.monoquant.testkit.laws.RemoteStoreLaws.Case;
import java.io.ByteArrayInputStream;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Remote stores with one fault each, and the one law that must see it. */
class BrokenRemoteStoresTest {

  /** A store of files in memory. */
  private static class Toy implements RemoteStore {
    private final Map<String, byte[]> files = new TreeMap<>();

    @Override
    public String id() {
      return "toy";
    }

    @Override
    public Set<String> schemes() {
      return Set.of("toy");
    }

    RemoteLocation hold(Map<String, byte[]> all) {
      files.clear();
      files.putAll(all);
      return RemoteLocation.parse("toy://host/x/");
    }

    Optional<List<String>> names() {
      return Optional.of(List.copyOf(files.keySet()));
    }

    Optional<RemoteFile> found(String name) {
      return Optional.ofNullable(files.get(name))
          .map(b -> new RemoteFile(name, b.length, Optional.empty(), Optional.of(tag(b))));
    }

    String tag(byte[] bytes) {
      return "" + Arrays.hashCode(bytes);
    }

    void requireSame(RemoteFile file, RemoteLocation location) {
      if (!found(file.name()).equals(Optional.of(file))) {
        throw new ModelFormatException(
            Reason.UNREADABLE, location.shown(file.name()), "", "it changed. Run again.");
      }
    }

    byte[] part(byte[] all, int offset, int length) {
      return Arrays.copyOfRange(all, offset, offset + length);
    }

    @Override
    public RemoteFiles open(RemoteLocation folder, RemoteAccess access) {
      return new RemoteFiles() {
        @Override
        public Optional<List<String>> list() {
          return names();
        }

        @Override
        public Optional<RemoteFile> find(String name) {
          return found(name);
        }

        @Override
        public ReadableByteChannel read(RemoteFile file, long offset, long length) {
          requireSame(file, folder);
          byte[] all = files.getOrDefault(file.name(), new byte[30_000]);
          byte[] bytes = part(all, (int) offset, (int) length);
          return Channels.newChannel(new ByteArrayInputStream(bytes));
        }

        @Override
        public void close() {}
      };
    }
  }

  private static List<String> broken(Toy toy) {
    List<String> broken = new ArrayList<>();
    for (Law<Case> law : RemoteStoreLaws.all()) {
      try {
        law.check(new Case(toy, toy::hold));
      } catch (LawViolation e) {
        assertThat(e.law()).isEqualTo(law.name());
        broken.add(law.name());
      }
    }
    return broken;
  }

  @Test
  void aStoreWithoutFaultObeysAll() {
    assertThat(broken(new Toy())).isEmpty();
  }

  @Test
  void eachFaultIsSeenByItsLaw() {
    assertThat(
            broken(
                new Toy() {
                  @Override
                  public String id() {
                    return "To Y";
                  }
                }))
        .containsExactly("idIsValid");
    for (Set<String> schemes : List.of(Set.<String>of(), Set.of("Toy"), Set.of("file"))) {
      assertThat(
              broken(
                  new Toy() {
                    @Override
                    public Set<String> schemes() {
                      return schemes;
                    }
                  }))
          .containsExactly("schemesAreValid");
    }
    assertThat(
            broken(
                new Toy() {
                  @Override
                  Optional<RemoteFile> found(String name) {
                    return name.equals("sub") ? super.found("empty") : super.found(name);
                  }
                }))
        .containsExactly("findsWhatIsThere");
    assertThat(
            broken(
                new Toy() {
                  @Override
                  Optional<List<String>> names() {
                    return Optional.of(List.of("model.safetensors"));
                  }
                }))
        .containsExactly("listsAllOrCannot");
    assertThat(
            broken(
                new Toy() {
                  @Override
                  byte[] part(byte[] all, int offset, int length) {
                    return Arrays.copyOfRange(
                        all, offset, Math.min(all.length, offset + length + 1));
                  }
                }))
        .containsExactly("rangesAreExact");
    assertThat(
            broken(
                new Toy() {
                  @Override
                  String tag(byte[] bytes) {
                    return "" + bytes.length;
                  }
                }))
        .containsExactly("aChangedFileIsRefused");
    assertThat(
            broken(
                new Toy() {
                  @Override
                  void requireSame(RemoteFile file, RemoteLocation location) {
                    try {
                      super.requireSame(file, location);
                    } catch (ModelFormatException e) {
                      String query = location.query().map(q -> q.reveal()).orElse("");
                      throw new ModelFormatException(Reason.UNREADABLE, query, "", "changed.", e);
                    }
                  }
                }))
        .containsExactly("failuresShowNoSecret");
  }
}
