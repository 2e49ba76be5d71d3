package dev.monoquant.io.remote;

import com.google.auto.service.AutoService;
import dev.monoquant.spi.RemoteAccess;
import dev.monoquant.spi.RemoteFiles;
import dev.monoquant.spi.RemoteLocation;
import dev.monoquant.spi.RemoteStore;
import java.util.Set;

/**
 * Files of web servers, by HTTP 1.1 with ranges (RFC 9110, section 14).
 *
 * <p>What a file is, is asked by {@code HEAD}, or by a range of one byte if the server refuses
 * that. Its identity is the entity tag, which {@code If-Range} sends with each range if it is a
 * strong one. Each answer is compared with it, in entity tag or time, and in size; encoded answers
 * are refused. Folders cannot be listed. At most 10 redirects are followed, none from https to
 * http; header and user info are sent to the scheme, host and port of the location alone. A server
 * without ranges is asked for whole files of up to 32 MiB, and larger ones are refused.
 */
@AutoService(RemoteStore.class)
public final class HttpStore implements RemoteStore {

  /** Makes the store. */
  public HttpStore() {}

  @Override
  public String id() {
    return "http";
  }

  @Override
  public Set<String> schemes() {
    return Set.of("http", "https");
  }

  @Override
  public RemoteFiles open(RemoteLocation folder, RemoteAccess access) {
    return new HttpFiles(folder, access);
  }
}
