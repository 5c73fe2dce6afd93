// Imported by every spare before anybody asks for it: what all modules need.
import "./stage.js";
