/** A shop, as an application of asyncpg for Java would be built. */
package com.example.shop;
