package dev.monoquant.files.remote;

import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A path of a {@link RemoteFileSystem}. An absolute one is written as the address of the file,
 * without anything secret; a relative one with slashes. Immutable.
 */
final class RemotePath implements Path {

  private final FileSystem system;
  private final RemoteFolder folder;
  private final boolean absolute;
  private final List<String> names;

  RemotePath(FileSystem system, RemoteFolder folder, boolean absolute, List<String> names) {
    this.system = system;
    this.folder = folder;
    this.absolute = absolute;
    this.names = List.copyOf(names);
  }

  static RemotePath parse(FileSystem system, RemoteFolder folder, String text) {
    if (text.indexOf('\0') >= 0) {
      throw new InvalidPathException(text, "a zero character");
    }
    List<String> names = new ArrayList<>();
    for (String name : text.split("/", -1)) {
      if (!name.isEmpty()) {
        names.add(name);
      }
    }
    return new RemotePath(system, folder, text.startsWith("/"), names);
  }

  /** {@return the name of the file in its folder; empty for the folder} */
  String name() {
    return String.join("/", toAbsolutePath().normalize().names);
  }

  /** {@return the folder that its file is in} */
  RemoteFolder folder() {
    return folder;
  }

  private RemotePath of(boolean isAbsolute, List<String> all) {
    return new RemotePath(system, folder, isAbsolute, all);
  }

  private RemotePath same(Path other) {
    if (other instanceof RemotePath path && path.system == system) {
      return path;
    }
    throw new ProviderMismatchException();
  }

  @Override
  public FileSystem getFileSystem() {
    return system;
  }

  @Override
  public boolean isAbsolute() {
    return absolute;
  }

  @Override
  public @Nullable Path getRoot() {
    return absolute ? of(true, List.of()) : null;
  }

  @Override
  public @Nullable Path getFileName() {
    return names.isEmpty() ? null : of(false, names.subList(names.size() - 1, names.size()));
  }

  @Override
  public @Nullable Path getParent() {
    return names.isEmpty() || (names.size() == 1 && !absolute)
        ? null
        : of(absolute, names.subList(0, names.size() - 1));
  }

  @Override
  public int getNameCount() {
    return names.size();
  }

  @Override
  public Path getName(int index) {
    return subpath(index, index + 1);
  }

  @Override
  public Path subpath(int begin, int end) {
    if (begin < 0 || end > names.size() || begin >= end) {
      throw new IllegalArgumentException("names " + begin + " to " + end + " of " + this);
    }
    return of(false, names.subList(begin, end));
  }

  @Override
  public boolean startsWith(Path other) {
    return other instanceof RemotePath path
        && path.system == system
        && path.absolute == absolute
        && path.names.size() <= names.size()
        && names.subList(0, path.names.size()).equals(path.names);
  }

  @Override
  public boolean endsWith(Path other) {
    if (!(other instanceof RemotePath path) || path.system != system) {
      return false;
    }
    int more = names.size() - path.names.size();
    return more >= 0
        && (!path.absolute || (absolute && more == 0))
        && names.subList(more, names.size()).equals(path.names);
  }

  @Override
  public RemotePath normalize() {
    List<String> all = new ArrayList<>();
    for (String name : names) {
      boolean up = name.equals("..");
      if (up && !all.isEmpty() && !all.get(all.size() - 1).equals("..")) {
        all.remove(all.size() - 1);
      } else if (!name.equals(".") && !(up && absolute)) {
        all.add(name);
      }
    }
    return of(absolute, all);
  }

  @Override
  public Path resolve(Path other) {
    RemotePath path = same(other);
    if (path.absolute) {
      return path;
    }
    List<String> all = new ArrayList<>(names);
    all.addAll(path.names);
    return of(absolute, all);
  }

  @Override
  public Path relativize(Path other) {
    RemotePath path = same(other);
    if (path.absolute != absolute) {
      throw new IllegalArgumentException("one of two paths is relative: " + this + ", " + other);
    }
    int common = 0;
    while (common < Math.min(names.size(), path.names.size())
        && names.get(common).equals(path.names.get(common))) {
      common++;
    }
    List<String> all = new ArrayList<>();
    for (int i = common; i < names.size(); i++) {
      all.add("..");
    }
    all.addAll(path.names.subList(common, path.names.size()));
    return of(false, all);
  }

  @Override
  public URI toUri() {
    return folder.location().file(name());
  }

  @Override
  public RemotePath toAbsolutePath() {
    return of(true, names);
  }

  @Override
  public Path toRealPath(LinkOption... options) throws IOException {
    RemotePath real = toAbsolutePath().normalize();
    if (!folder.isFolder(real.name()) && folder.find(real.name()).isEmpty()) {
      throw new NoSuchFileException(toString());
    }
    return real;
  }

  @Override
  public WatchKey register(
      WatchService watcher, WatchEvent.Kind<?>[] events, WatchEvent.Modifier... modifiers) {
    throw new UnsupportedOperationException("remote files are not watched");
  }

  @Override
  public int compareTo(Path other) {
    return toString().compareTo(same(other).toString());
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof RemotePath path
        && path.system == system
        && path.absolute == absolute
        && path.names.equals(names);
  }

  @Override
  public int hashCode() {
    return Objects.hash(absolute, names);
  }

  @Override
  public String toString() {
    String relative = String.join("/", names);
    if (!absolute) {
      return relative;
    }
    String address = folder.location().shown(relative);
    return relative.isEmpty() ? address.substring(0, address.length() - 1) : address;
  }
}
