package dev.monoquant.maven;

import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.jspecify.annotations.Nullable;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

/** The parameters that a pom gives, and those that there are. */
final class Configured {

  private Configured() {}

  /**
   * {@return the names of the parameters that are given}
   *
   * @param configuration the element of the pom, of a class that differs between releases of Maven,
   *     but is XML as text; null if there is none
   */
  static List<String> names(@Nullable Object configuration) {
    if (configuration == null) {
      return List.of();
    }
    InputSource text = new InputSource(new StringReader(configuration.toString()));
    return children(parse(text)).stream().map(Element::getTagName).toList();
  }

  /** {@return the names of the parameters of all goals, as the plugin tools have written them} */
  static Set<String> parameters() {
    Set<String> names = new TreeSet<>();
    try (InputStream in = Configured.class.getResourceAsStream("/META-INF/maven/plugin.xml")) {
      if (in == null) {
        throw new IllegalStateException("the plugin has no META-INF/maven/plugin.xml");
      }
      for (Element mojo : children(child(parse(new InputSource(in)), "mojos"))) {
        for (Element parameter : children(child(mojo, "parameters"))) {
          if (Boolean.parseBoolean(child(parameter, "editable").getTextContent())) {
            names.add(child(parameter, "name").getTextContent());
          }
        }
      }
      return names;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Element parse(InputSource text) {
    try {
      DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
      factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
      return factory.newDocumentBuilder().parse(text).getDocumentElement();
    } catch (ParserConfigurationException | SAXException | IOException e) {
      throw new IllegalStateException("Maven gave what is no XML: " + e, e);
    }
  }

  private static List<Element> children(Element parent) {
    List<Element> all = new ArrayList<>();
    for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element element) {
        all.add(element);
      }
    }
    return all;
  }

  private static Element child(Element parent, String name) {
    return children(parent).stream()
        .filter(element -> element.getTagName().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no " + name + " in " + parent.getTagName()));
  }
}
