package dev.monoquant.files.remote;

import dev.monoquant.spi.RemoteFile;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.FileTime;
import java.nio.file.spi.FileSystemProvider;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The operations of {@link RemoteFileSystem}: reading and listing; all others are refused. */
final class RemoteFileSystemProvider extends FileSystemProvider {

  @Override
  public String getScheme() {
    return "quant-remote";
  }

  @Override
  public FileSystem newFileSystem(URI uri, Map<String, ?> env) {
    throw new UnsupportedOperationException("made by StagedFiles");
  }

  @Override
  public FileSystem getFileSystem(URI uri) {
    throw new FileSystemNotFoundException("made by StagedFiles");
  }

  @Override
  public Path getPath(URI uri) {
    throw new FileSystemNotFoundException("made by StagedFiles");
  }

  private static RemotePath remote(Path path) {
    return (RemotePath) path;
  }

  private static RemoteFile file(RemotePath path) throws IOException {
    String name = path.name();
    Optional<RemoteFile> file = name.isEmpty() ? Optional.empty() : path.folder().find(name);
    return file.orElseThrow(() -> new NoSuchFileException(path.toString()));
  }

  @Override
  public FileChannel newFileChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    for (OpenOption option : options) {
      if (option != StandardOpenOption.READ && !(option instanceof LinkOption)) {
        throw new ReadOnlyFileSystemException();
      }
    }
    RemotePath remote = remote(path);
    return new RemoteChannel(remote.folder(), file(remote));
  }

  @Override
  public SeekableByteChannel newByteChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    return newFileChannel(path, options, attributes);
  }

  @Override
  public DirectoryStream<Path> newDirectoryStream(
      Path path, DirectoryStream.Filter<? super Path> filter) throws IOException {
    RemotePath folder = remote(path);
    if (!folder.folder().isFolder(folder.name())) {
      throw new NotDirectoryException(path.toString());
    }
    List<Path> all = new ArrayList<>();
    for (String name : folder.folder().in(folder.name())) {
      Path entry = folder.resolve(name);
      if (filter.accept(entry)) {
        all.add(entry);
      }
    }
    return new DirectoryStream<>() {
      @Override
      public Iterator<Path> iterator() {
        return all.iterator();
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public void checkAccess(Path path, AccessMode... modes) throws IOException {
    RemotePath remote = remote(path);
    if (!remote.folder().isFolder(remote.name())) {
      file(remote);
    }
    for (AccessMode mode : modes) {
      if (mode != AccessMode.READ) {
        throw new AccessDeniedException(path.toString(), null, "remote files are only read");
      }
    }
  }

  @Override
  public <A extends BasicFileAttributes> A readAttributes(
      Path path, Class<A> type, LinkOption... options) throws IOException {
    if (type != BasicFileAttributes.class) {
      throw new UnsupportedOperationException("remote files have no " + type.getSimpleName());
    }
    RemotePath remote = remote(path);
    String name = remote.name();
    // Asked for as a file first: to know folders, all names have to be known.
    Optional<RemoteFile> file = name.isEmpty() ? Optional.empty() : remote.folder().find(name);
    if (file.isEmpty() && !remote.folder().isFolder(name)) {
      throw new NoSuchFileException(path.toString());
    }
    return type.cast(new Attributes(file));
  }

  @Override
  public Map<String, Object> readAttributes(Path path, String attributes, LinkOption... options)
      throws IOException {
    BasicFileAttributes all = readAttributes(path, BasicFileAttributes.class, options);
    Map<String, Object> values = new HashMap<>();
    values.put("size", all.size());
    values.put("lastModifiedTime", all.lastModifiedTime());
    values.put("lastAccessTime", all.lastAccessTime());
    values.put("creationTime", all.creationTime());
    values.put("isDirectory", all.isDirectory());
    values.put("isRegularFile", all.isRegularFile());
    values.put("isSymbolicLink", false);
    values.put("isOther", false);
    String names = attributes.substring(attributes.indexOf(':') + 1);
    if (!names.equals("*")) {
      values.keySet().retainAll(Set.of(names.split(",", -1)));
    }
    return values;
  }

  @Override
  public <V extends FileAttributeView> @Nullable V getFileAttributeView(
      Path path, Class<V> type, LinkOption... options) {
    return type == BasicFileAttributeView.class ? type.cast(new View(path)) : null;
  }

  @Override
  public boolean isSameFile(Path path, Path other) {
    return path.toAbsolutePath().normalize().equals(other.toAbsolutePath().normalize());
  }

  @Override
  public boolean isHidden(Path path) {
    Path name = path.getFileName();
    return name != null && name.toString().startsWith(".");
  }

  @Override
  public FileStore getFileStore(Path path) {
    throw new UnsupportedOperationException("remote files are on no known disk");
  }

  @Override
  public void createDirectory(Path path, FileAttribute<?>... attributes) {
    throw new ReadOnlyFileSystemException();
  }

  @Override
  public void delete(Path path) {
    throw new ReadOnlyFileSystemException();
  }

  @Override
  public void copy(Path source, Path target, CopyOption... options) {
    throw new ReadOnlyFileSystemException();
  }

  @Override
  public void move(Path source, Path target, CopyOption... options) {
    throw new ReadOnlyFileSystemException();
  }

  @Override
  public void setAttribute(Path path, String attribute, Object value, LinkOption... options) {
    throw new ReadOnlyFileSystemException();
  }

  private record View(Path path) implements BasicFileAttributeView {
    @Override
    public String name() {
      return "basic";
    }

    @Override
    public BasicFileAttributes readAttributes() throws IOException {
      return path.getFileSystem().provider().readAttributes(path, BasicFileAttributes.class);
    }

    @Override
    public void setTimes(
        @Nullable FileTime modified, @Nullable FileTime accessed, @Nullable FileTime created) {
      throw new ReadOnlyFileSystemException();
    }
  }

  /** What is known of a file; of a folder, that it is one. */
  private record Attributes(Optional<RemoteFile> file) implements BasicFileAttributes {
    @Override
    public FileTime lastModifiedTime() {
      return FileTime.from(file.flatMap(RemoteFile::modified).orElse(Instant.EPOCH));
    }

    @Override
    public FileTime lastAccessTime() {
      return lastModifiedTime();
    }

    @Override
    public FileTime creationTime() {
      return lastModifiedTime();
    }

    @Override
    public boolean isRegularFile() {
      return file.isPresent();
    }

    @Override
    public boolean isDirectory() {
      return file.isEmpty();
    }

    @Override
    public boolean isSymbolicLink() {
      return false;
    }

    @Override
    public boolean isOther() {
      return false;
    }

    @Override
    public long size() {
      return file.map(RemoteFile::size).orElse(0L);
    }

    /** The identity, which tells a file from a later one of the same size and time. */
    @Override
    public @Nullable Object fileKey() {
      return file.flatMap(RemoteFile::identity).orElse(null);
    }
  }
}
