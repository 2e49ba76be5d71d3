package dev.monoquant.testkit.contracts;

import dev.monoquant.spi.RemoteLocation;
import dev.monoquant.spi.RemoteStore;
import dev.monoquant.testkit.laws.RemoteStoreLaws;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;
import net.jqwik.api.Example;
import net.jqwik.api.lifecycle.AddLifecycleHook;

/**
 * Tests of all requirements of the framework on a {@link RemoteStore}.
 *
 * <pre>{@code
 * class OwnStoreTest implements RemoteStoreContract {
 *   public RemoteStore subject() {
 *     return new OwnStore();
 *   }
 *
 *   public RemoteLocation hold(Path folder, Map<String, byte[]> files) throws IOException {
 *     server.replaceAll(files);
 *     return RemoteLocation.parse("own://localhost/test/");
 *   }
 * }
 * }</pre>
 */
@AddLifecycleHook(Judging.class)
public interface RemoteStoreContract {

  /** {@return the store to try} */
  RemoteStore subject();

  /**
   * Makes these the only files of a remote folder. Called again with other files in the same test.
   *
   * @param folder an empty folder at the first call of a test, for what the place needs
   * @param files the bytes of each file by its name, with forward slashes
   * @return where the remote folder is, the same in a test
   * @throws IOException if that fails
   */
  RemoteLocation hold(Path folder, Map<String, byte[]> files) throws IOException;

  /** {@return whether it is registered and found by its id} */
  default boolean registered() {
    return true;
  }

  /** The plugin is found by its id, and has the same class. */
  @Example
  default void isRegistered() {
    Judging.judgeRegistered(registered(), subject().id(), subject());
  }

  /** See {@link RemoteStoreLaws#schemesAreValid}. */
  @Example
  default void schemesAreValid() {
    onFolder(RemoteStoreLaws::schemesAreValid);
  }

  /** See {@link RemoteStoreLaws#findsWhatIsThere}. */
  @Example
  default void findsWhatIsThere() {
    onFolder(RemoteStoreLaws::findsWhatIsThere);
  }

  /** See {@link RemoteStoreLaws#listsAllOrCannot}. */
  @Example
  default void listsAllOrCannot() {
    onFolder(RemoteStoreLaws::listsAllOrCannot);
  }

  /** See {@link RemoteStoreLaws#rangesAreExact}. */
  @Example
  default void rangesAreExact() {
    onFolder(RemoteStoreLaws::rangesAreExact);
  }

  /** See {@link RemoteStoreLaws#aChangedFileIsRefused}. */
  @Example
  default void aChangedFileIsRefused() {
    onFolder(RemoteStoreLaws::aChangedFileIsRefused);
  }

  /** See {@link RemoteStoreLaws#failuresShowNoSecret}. */
  @Example
  default void failuresShowNoSecret() {
    onFolder(RemoteStoreLaws::failuresShowNoSecret);
  }

  private void onFolder(Consumer<RemoteStoreLaws.Case> law) {
    TemporaryFolder.use(
        folder ->
            Judging.judge(
                () ->
                    law.accept(new RemoteStoreLaws.Case(subject(), files -> hold(folder, files)))));
  }
}
