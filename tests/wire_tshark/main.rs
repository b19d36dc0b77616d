//! Frames of every link type, every tunnel and every malformation, compared with tshark.

mod build;
mod compare;
mod devices;
mod files;
mod fragments;
mod links;
mod malformed;
mod routes;
mod tunnels;
