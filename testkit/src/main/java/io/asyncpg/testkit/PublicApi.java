package io.asyncpg.testkit;

import static java.util.Comparator.comparing;
import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.module.ModuleDescriptor;
import java.lang.reflect.AnnotatedArrayType;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.AnnotatedParameterizedType;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.AnnotatedTypeVariable;
import java.lang.reflect.AnnotatedWildcardType;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.GenericDeclaration;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The public API of a module as text, and the check that it is the one written down in {@code
 * api/MODULE.txt}: a change of the API is a line in a diff.
 *
 * <p>Shown are the packages that the module exports to everybody, of them what is public or
 * protected: names, types with their type arguments, and where null may be. Left out: what only the
 * compiler wrote, and the three methods that every class has.
 */
public final class PublicApi {
  private static final List<String> EVERYBODYS = List.of("equals", "hashCode", "toString");

  private final ClassLoader loader;
  private final Path classes;

  private PublicApi(Class<?> member) {
    try {
      this.loader = Objects.requireNonNull(member.getClassLoader());
      this.classes = Path.of(member.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(e);
    }
  }

  /**
   * Fails when the API of the module under test differs from what {@code api/MODULE.txt} says. With
   * {@code -Dasyncpg.api.update=true} writes the file instead.
   *
   * @param module the module's directory
   * @param member any class of it
   */
  public static void verify(String module, Class<?> member) {
    Path file =
        Path.of(System.getProperty("basedir", "")).resolveSibling("api").resolve(module + ".txt");
    List<String> actual = new PublicApi(member).lines();
    try {
      if (Boolean.getBoolean("asyncpg.api.update")) {
        Files.createDirectories(Objects.requireNonNull(file.getParent()));
        Files.write(file, actual);
        return;
      }
      List<String> written = Files.exists(file) ? Files.readAllLines(file) : List.of();
      if (!written.equals(actual)) throw new AssertionError(difference(module, written, actual));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String difference(String module, List<String> written, List<String> actual) {
    List<String> gone = new ArrayList<>(written);
    List<String> come = new ArrayList<>(actual);
    actual.forEach(gone::remove);
    written.forEach(come::remove);
    return "the public API of "
        + module
        + " is not what api/"
        + module
        + ".txt says. If it is meant to change, run this test with -Dasyncpg.api.update=true and commit the file."
        + Stream.concat(
                gone.stream().map(line -> "\n- " + line.strip()),
                come.stream().map(line -> "\n+ " + line.strip()))
            .collect(joining());
  }

  /** The text, line by line. */
  static List<String> of(Class<?> member) {
    return new PublicApi(member).lines();
  }

  private List<String> lines() {
    List<String> lines = new ArrayList<>();
    for (String exported : exportedPackages()) {
      lines.add("package " + exported);
      List<Class<?>> shown =
          classesOf(exported).stream()
              .filter(PublicApi::isShown)
              .sorted(PublicApi::byName)
              .toList();
      if (shown.isEmpty()) throw new AssertionError("nothing is public in " + exported);
      for (Class<?> type : shown) {
        lines.add("");
        lines.add(declaration(type));
        members(type).map(member -> "  " + member).forEach(lines::add);
      }
      lines.add("");
    }
    return lines;
  }

  private static int byName(Class<?> a, Class<?> b) {
    return a.getName().compareTo(b.getName());
  }

  private List<String> exportedPackages() {
    try (InputStream descriptor = Files.newInputStream(classes.resolve("module-info.class"))) {
      return ModuleDescriptor.read(descriptor).exports().stream()
          .filter(exports -> !exports.isQualified())
          .map(ModuleDescriptor.Exports::source)
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Collection<Class<?>> classesOf(String packageName) {
    List<Class<?>> found = new ArrayList<>();
    try (Stream<Path> files = Files.list(classes.resolve(packageName.replace('.', '/')))) {
      for (Path file : files.toList()) {
        String name = String.valueOf(file.getFileName());
        if (!name.endsWith(".class") || name.equals("package-info.class")) continue;
        String simple = name.substring(0, name.length() - ".class".length());
        found.add(Class.forName(packageName + "." + simple, false, loader));
      }
      return found;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (ClassNotFoundException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean isShown(Class<?> type) {
    if (type.isAnonymousClass() || type.isLocalClass() || type.isSynthetic()) return false;
    Class<?> outer = type.getDeclaringClass();
    return isShown(type.getModifiers()) && (outer == null || isShown(outer));
  }

  private static boolean isShown(int modifiers) {
    return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
  }

  // --- Declarations ---

  private static String declaration(Class<?> type) {
    StringBuilder text = new StringBuilder();
    int modifiers = type.getModifiers();
    if (Modifier.isProtected(modifiers)) text.append("protected ");
    if (type.isAnnotationPresent(Deprecated.class)) text.append("@Deprecated ");
    if (type.isSealed()) text.append("sealed ");
    if (type.isAnnotation()) text.append("@interface ");
    else if (type.isInterface()) text.append("interface ");
    else if (type.isEnum()) text.append("enum ");
    else if (type.isRecord()) text.append("record ");
    else {
      if (Modifier.isAbstract(modifiers)) text.append("abstract ");
      if (Modifier.isFinal(modifiers)) text.append("final ");
      text.append("class ");
    }
    text.append(name(type)).append(variables(type));
    if (type.isRecord()) {
      text.append(
          Stream.of(type.getRecordComponents())
              .map(component -> show(component.getAnnotatedType()) + " " + component.getName())
              .collect(joining(", ", "(", ")")));
    }
    AnnotatedType above = type.getAnnotatedSuperclass();
    if (above != null && !type.isEnum() && !type.isRecord() && above.getType() != Object.class) {
      text.append(" extends ").append(show(above));
    }
    AnnotatedType[] interfaces = type.getAnnotatedInterfaces();
    if (interfaces.length > 0) {
      text.append(type.isInterface() ? " extends " : " implements ").append(list(interfaces));
    }
    return text.toString();
  }

  private static Stream<String> members(Class<?> type) {
    Stream<String> fields =
        Stream.of(type.getDeclaredFields())
            .filter(field -> isShown(field.getModifiers()) && !field.isSynthetic())
            .sorted(comparing(Field::getName))
            .map(PublicApi::show);
    Stream<String> constructors =
        Stream.of(type.getDeclaredConstructors())
            .filter(each -> isShown(each.getModifiers()) && !isWrittenByTheCompiler(each))
            .map(PublicApi::show)
            .sorted();
    Stream<String> methods =
        Stream.of(type.getDeclaredMethods())
            .filter(each -> isShown(each.getModifiers()) && !isWrittenByTheCompiler(each))
            .filter(each -> !EVERYBODYS.contains(each.getName()))
            .sorted(comparing(Method::getName).thenComparing(PublicApi::show))
            .map(PublicApi::show);
    return Stream.of(fields, constructors, methods).flatMap(each -> each);
  }

  /** Or follows from the declaration: the methods of every enum, the components of a record. */
  private static boolean isWrittenByTheCompiler(Executable executable) {
    Class<?> type = executable.getDeclaringClass();
    List<Class<?>> parameters = List.of(executable.getParameterTypes());
    if (executable.isSynthetic()) return true;
    if (type.isRecord()) {
      List<RecordComponent> components = List.of(type.getRecordComponents());
      return executable instanceof Constructor
          ? parameters.equals(components.stream().map(RecordComponent::getType).toList())
          : components.stream().anyMatch(component -> component.getAccessor().equals(executable));
    }
    if (!type.isEnum() || !Modifier.isStatic(executable.getModifiers())) return false;
    return switch (executable.getName()) {
      case "values" -> parameters.isEmpty();
      case "valueOf" -> parameters.equals(List.of(String.class));
      default -> false;
    };
  }

  private static String show(Field field) {
    if (field.isEnumConstant()) return field.getName();
    return modifiers(field, field.getModifiers() & ~Modifier.VOLATILE & ~Modifier.TRANSIENT)
        + show(field.getAnnotatedType())
        + " "
        + field.getName();
  }

  private static String show(Constructor<?> constructor) {
    return modifiers(constructor, constructor.getModifiers() & Modifier.constructorModifiers())
        + spaced(variables(constructor))
        + constructor.getDeclaringClass().getSimpleName()
        + parameters(constructor);
  }

  private static String show(Method method) {
    int modifiers = method.getModifiers() & ~Modifier.SYNCHRONIZED & ~Modifier.NATIVE;
    if (method.getDeclaringClass().isInterface()) modifiers &= ~Modifier.ABSTRACT;
    return modifiers(method, modifiers & Modifier.methodModifiers())
        + (method.isDefault() ? "default " : "")
        + spaced(variables(method))
        + show(method.getAnnotatedReturnType())
        + " "
        + method.getName()
        + parameters(method);
  }

  private static String modifiers(AnnotatedElement of, int modifiers) {
    String text = Modifier.toString(modifiers & ~Modifier.PUBLIC);
    return (of.isAnnotationPresent(Deprecated.class) ? "@Deprecated " : "") + spaced(text);
  }

  private static String spaced(String text) {
    return text.isEmpty() ? "" : text + " ";
  }

  private static String parameters(Executable executable) {
    AnnotatedType[] types = executable.getAnnotatedParameterTypes();
    String all = list(types);
    if (executable.isVarArgs()) all = all.substring(0, all.length() - 2) + "...";
    AnnotatedType[] thrown = executable.getAnnotatedExceptionTypes();
    return "(" + all + ")" + (thrown.length == 0 ? "" : " throws " + list(thrown));
  }

  // --- Types, as one writes them ---

  private static String variables(GenericDeclaration generic) {
    TypeVariable<?>[] variables = generic.getTypeParameters();
    if (variables.length == 0) return "";
    return Stream.of(variables)
        .map(variable -> variable.getName() + bounds(variable.getAnnotatedBounds()))
        .collect(joining(", ", "<", ">"));
  }

  private static String bounds(AnnotatedType[] bounds) {
    boolean none = bounds.length == 1 && show(bounds[0]).equals("Object");
    return bounds.length == 0 || none
        ? ""
        : " extends " + Stream.of(bounds).map(PublicApi::show).collect(joining(" & "));
  }

  private static String list(AnnotatedType[] types) {
    return Arrays.stream(types).map(PublicApi::show).collect(joining(", "));
  }

  private static String show(AnnotatedType type) {
    if (type instanceof AnnotatedArrayType array) {
      String element = show(array.getAnnotatedGenericComponentType());
      return element + (isNullable(type) ? " @Nullable []" : "[]");
    }
    String nullable = isNullable(type) ? "@Nullable " : "";
    if (type instanceof AnnotatedParameterizedType parameterized) {
      Class<?> raw = (Class<?>) ((ParameterizedType) parameterized.getType()).getRawType();
      return nullable
          + name(raw)
          + "<"
          + list(parameterized.getAnnotatedActualTypeArguments())
          + ">";
    }
    if (type instanceof AnnotatedWildcardType wildcard) {
      AnnotatedType[] lower = wildcard.getAnnotatedLowerBounds();
      if (lower.length > 0) return "? super " + list(lower);
      return "?" + bounds(wildcard.getAnnotatedUpperBounds());
    }
    if (type instanceof AnnotatedTypeVariable variable) {
      return nullable + ((TypeVariable<?>) variable.getType()).getName();
    }
    return nullable + name(type.getType());
  }

  private static boolean isNullable(AnnotatedType type) {
    return type.isAnnotationPresent(Nullable.class);
  }

  /** The name without the package, where it is ours or the JDK's. */
  private static String name(Type type) {
    if (!(type instanceof Class<?> named)) return type.getTypeName();
    String full = Objects.requireNonNullElse(named.getCanonicalName(), named.getName());
    String home = named.getPackageName();
    boolean familiar = home.startsWith("java.") || home.startsWith("io.asyncpg.");
    return familiar && !named.isPrimitive() ? full.substring(home.length() + 1) : full;
  }
}
