package dev.monoquant.files.remote;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.WatchService;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** The files of a remote folder, to be read. Its root is the folder. */
final class RemoteFileSystem extends FileSystem {

  private final RemoteFileSystemProvider provider;
  private final RemoteFolder folder;

  RemoteFileSystem(RemoteFileSystemProvider provider, RemoteFolder folder) {
    this.provider = provider;
    this.folder = folder;
  }

  RemoteFolder folder() {
    return folder;
  }

  RemotePath root() {
    return new RemotePath(this, true, List.of());
  }

  /** Whether a name is the root, or a folder on the way to a file. */
  boolean isFolder(String name) throws IOException {
    if (name.isEmpty()) {
      return true;
    }
    String next = folder.names().ceiling(name + "/");
    return next != null && next.startsWith(name + "/");
  }

  /** {@return the names directly in a folder} */
  Set<String> in(String name) throws IOException {
    String start = name.isEmpty() ? "" : name + "/";
    Set<String> all = new TreeSet<>();
    for (String file : folder.names().tailSet(start)) {
      if (!file.startsWith(start)) {
        break;
      }
      int slash = file.indexOf('/', start.length());
      all.add(file.substring(start.length(), slash < 0 ? file.length() : slash));
    }
    return all;
  }

  @Override
  public RemoteFileSystemProvider provider() {
    return provider;
  }

  @Override
  public void close() {
    // Its owner closes the folder.
    throw new UnsupportedOperationException("closed by its owner");
  }

  @Override
  public boolean isOpen() {
    return true;
  }

  @Override
  public boolean isReadOnly() {
    return true;
  }

  @Override
  public String getSeparator() {
    return "/";
  }

  @Override
  public Iterable<Path> getRootDirectories() {
    return List.of(root());
  }

  @Override
  public Iterable<FileStore> getFileStores() {
    return List.of();
  }

  @Override
  public Set<String> supportedFileAttributeViews() {
    return Set.of("basic");
  }

  @Override
  public Path getPath(String first, String... more) {
    StringBuilder text = new StringBuilder(first);
    for (String next : more) {
      text.append('/').append(next);
    }
    return RemotePath.parse(this, text.toString());
  }

  @Override
  public PathMatcher getPathMatcher(String syntaxAndPattern) {
    PathMatcher local = FileSystems.getDefault().getPathMatcher(syntaxAndPattern);
    return path -> local.matches(Path.of(path.toString()));
  }

  @Override
  public UserPrincipalLookupService getUserPrincipalLookupService() {
    throw new UnsupportedOperationException("remote files have no known owners");
  }

  @Override
  public WatchService newWatchService() {
    throw new UnsupportedOperationException("remote files are not watched");
  }
}
