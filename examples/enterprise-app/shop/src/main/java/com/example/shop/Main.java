package com.example.shop;

import java.util.List;

/** The shop from a command line. */
public final class Main {
  private Main() {}

  /**
   * Opens a new shop, takes an order and prints what was paid for.
   *
   * @param arguments where the database is
   */
  public static void main(String[] arguments) {
    try (var shop = new Shop(arguments[0])) {
      shop.create();
      var ann = new Shop.Order("Ann", new Level("paid"), List.of(new Shop.Line("cup", 2)));
      shop.add(List.of(ann)).toCompletableFuture().join();
      System.out.println(Main.class.getModule() + ": " + shop.ofLevel(new Level("paid")));
    }
  }
}
