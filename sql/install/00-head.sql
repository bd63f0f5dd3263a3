\echo Use "CREATE EXTENSION genre_hier" to load this file. \quit

-- Joined by make from sql/install/NN-topic.sql, in that order.
