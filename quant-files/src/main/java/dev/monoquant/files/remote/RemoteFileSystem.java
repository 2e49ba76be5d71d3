package dev.monoquant.files.remote;

import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.WatchService;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.spi.FileSystemProvider;
import java.util.List;
import java.util.Set;

/** The files of a remote folder, to be read. Its root is the folder. */
final class RemoteFileSystem extends FileSystem {

  private final FileSystemProvider provider;
  private final RemoteFolder folder;

  RemoteFileSystem(FileSystemProvider provider, RemoteFolder folder) {
    this.provider = provider;
    this.folder = folder;
  }

  RemoteFolder folder() {
    return folder;
  }

  RemotePath root() {
    return new RemotePath(this, folder, true, List.of());
  }

  @Override
  public FileSystemProvider provider() {
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
    return RemotePath.parse(this, folder, text.toString());
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
